export { type Moment, type Outputs, type TaskInput, type TaskLogic, type Urgency } from './task-logic.js';
