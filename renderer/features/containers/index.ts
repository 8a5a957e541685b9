export { ContainersPage } from './ContainersPage.js';
