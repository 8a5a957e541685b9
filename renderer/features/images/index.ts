export { ImagesPage } from './ImagesPage.js';
