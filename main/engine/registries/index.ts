export { Registries, type RegistriesOptions, type SearchRequest } from './registries.js';
