export { forkTypeScript, killProcess } from './fork-typescript.js';
