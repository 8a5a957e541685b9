export { Content, type BlobProgress, type BlobSource, type ContentLease } from './content.js';
export { checkedDigest, digestOf, isDigest } from './digest.js';
