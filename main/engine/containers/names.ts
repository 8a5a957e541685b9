import { randomInt } from 'node:crypto';
import { invalid } from '../../base/errors.js';

const VALID = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** The name without its slash, checked. `said` is how Docker's message quotes it. */
export function checkedName(name: string, said = name): string {
  const bare = name.startsWith('/') ? name.slice(1) : name;
  if (!VALID.test(bare)) {
    throw invalid(`Invalid container name (${said}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  }
  return bare;
}

/** `adjective_surname`, as people expect of a container that nobody named. */
export const inventName = (): string => `${pick(ADJECTIVES)}_${pick(SURNAMES)}`;

const pick = (words: readonly string[]): string => words[randomInt(words.length)] as string;

const ADJECTIVES = (
  'agile amber ample artful azure balmy bold brave bright brisk calm candid cheery civil clever cosy crisp curious ' +
  'dapper daring deft earnest easy eager elegant fair festive fleet fond frank fresh gentle glad golden graceful grand ' +
  'happy hardy hearty helpful honest humble jolly jovial keen kind lively loyal lucid mellow merry mighty modest neat ' +
  'nimble noble patient placid plucky polite proud quick quiet radiant ready robust serene sharp silent smart snug ' +
  'sober spry steady stoic sturdy sunny swift tender thrifty tidy tranquil trusty upbeat valiant vivid warm wise witty zesty'
).split(' ');

/** People of ships, maps, machines and numbers. */
const SURNAMES = (
  'abel agnesi amundsen archimedes babbage barents bartik beaufort bell bering bernoulli bessel blackwell bohr boole ' +
  'boyle brahe braun brunel cabot cannon carson cartan cauchy cavendish cerf clarke cook copernicus cousteau curie ' +
  'dalton darwin davis dijkstra dirac drake earhart eckert einstein engelbart eratosthenes euclid euler faraday fermat ' +
  'fermi feynman fourier franklin galileo galois gauss germain goedel goldberg halley hamilton harrison hertz hilbert ' +
  'hodgkin hopper hubble humboldt huygens hypatia jacquard johnson joule kelvin kepler kovalevskaya lamarr laplace ' +
  'leibniz liskov lovelace magellan mandelbrot maury maxwell mccarthy meitner mendel mercator mirzakhani moore morse ' +
  'napier nansen newton nightingale nobel noether ohm pascal pasteur planck plimsoll poincare ptolemy ramanujan ' +
  'ride ritchie rubin shannon shackleton somerville stallman tasman tesla thompson turing vespucci volta watt wilson wing wright yonath'
).split(' ');
