export { chainIds } from './chain.js';
export { Layers, type LayerLease, type LayerRequest, type LayersAhead, type LayersHelper } from './layers.js';
