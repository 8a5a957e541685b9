/** scripts/build.mjs bundles pictures as data URLs. */
declare module '*.png' {
  const url: string;
  export default url;
}
