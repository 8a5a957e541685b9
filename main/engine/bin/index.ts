export { Bin, type BinOptions, type BinPart, type Binned } from './bin.js';
