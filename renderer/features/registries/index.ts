export { RegistriesPage } from './RegistriesPage.js';
