export { Repair, type RepairOptions, type RepairRequest } from './repair.js';
