export { Bin, limitOn, type BinOptions, type BinPart, type Binned } from './bin.js';
