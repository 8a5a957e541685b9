export { VolumesPage } from './VolumesPage.js';
