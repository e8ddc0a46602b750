export { WebSocketBroker, type WebSocketBrokerOptions } from './websocket-broker.js';
