export { Arrival, StartsOver } from './arrival.js';
export {
  Content,
  type BlobProgress,
  type BlobSource,
  type ContentLease,
  type ContentUsage,
  type Ingest,
} from './content.js';
export { checkedDigest, digestOf, isDigest } from './digest.js';
