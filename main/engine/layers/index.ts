export { chainIds } from './chain.js';
export { Layers, type LayerLease, type LayerRequest, type LayersHelper } from './layers.js';
