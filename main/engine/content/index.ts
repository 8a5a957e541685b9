export { Arrival, StartsOver } from './arrival.js';
export { Content, LARGEST_DOCUMENT, type ContentLease, type ContentUsage, type Ingest } from './content.js';
export { checkedDigest, digestOf, isDigest } from './digest.js';
export type { BlobProgress, BlobSource } from './download.js';
