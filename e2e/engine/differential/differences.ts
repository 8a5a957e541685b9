/** Every way in which our answers still differ from dockerd's. The test fails when one disappears, and when there is one more. */
import type { Mismatch } from './compare.js';

export interface Difference {
  title: string;
  reason: string;
  /** Where it shows: the request, the place in the answer, and what each says there (as JSON). What is left out matches all. */
  at: Place[];
}

interface Place {
  ask?: RegExp;
  path: RegExp;
  ours?: RegExp;
  theirs?: RegExp;
}

export const MOST = 10;

export const explains = ({ at }: Difference, mismatch: Mismatch): boolean => at.some((place) => isAt(place, mismatch));

export const isAt = (place: Place, { ask, path, ours, theirs }: Mismatch): boolean =>
  (place.ask?.test(ask) ?? true) &&
  place.path.test(path) &&
  (place.ours?.test(JSON.stringify(ours)) ?? true) &&
  (place.theirs?.test(JSON.stringify(theirs)) ?? true);

const ABSENT = /^"\(absent\)"$/;
/** A request that one engine takes and the other refuses: the statuses, and what each has that the other has not. */
const refusedHere = (ask: RegExp, message: RegExp): Place[] => [
  { ask, path: /^status$/, ours: /^400$/, theirs: /^20[01]$/ },
  { ask, path: /^body\.(Id|Warnings|Error|StatusCode)$/, ours: ABSENT },
  { ask, path: /^body(\.message)?$/, ours: message },
];

export const differences: Difference[] = [
  {
    title: 'It says its own name',
    reason:
      'Answers name Slipway, its version, its API versions (1.24 to 1.47), its runtime, bridge and storage. Older versions are refused as newer Docker does, in JSON.',
    at: [
      { path: /^headers\.(api-version|server)$/ },
      { path: /^headers\.(docker-experimental|ostype)$/, theirs: ABSENT },
      { ask: /version$/, path: /^body\.Components$/ },
      { ask: /info$/, path: /^body\.(DriverStatus|Plugins\.\w+|Runtimes\..*|RegistryConfig\.InsecureRegistryCIDRs)$/ },
      { path: /HostConfig\.Runtime$/, ours: /slipway/, theirs: /runc/ },
      { path: /Options\.com\.docker\.network\.bridge\.name$/, ours: /slipway0/ },
      { ask: /images/, path: /GraphDriver\.Data\.\w+$/ },
      { path: /^body(\.message)?$/, ours: /Minimum supported API version is 1\.24/ },
      { path: /^body$/, theirs: /Maximum supported API version is 1\.41/ },
      { ask: /^GET \/(v1\/)?containers\/json$/, path: /^status$/, ours: /400|200/, theirs: /200|400/ },
      { ask: /^GET \/(v1\/)?containers\/json$/, path: /^headers\.content-type$/, theirs: /text\/plain/ },
    ],
  },
  {
    title: 'A mistake of the client’s is answered 400, 404 or 409, never 500',
    reason: 'The sentence is Docker’s; a 500 would blame the engine for it.',
    at: [{ path: /^status$/, ours: /^(400|404|409)$/, theirs: /^500$/ }],
  },
  {
    title: 'Malformed documents are described in our words',
    reason: 'Docker quotes Go’s decoder and its types. Ours name the field as the client wrote it.',
    at: [
      {
        path: /^body\.message$/,
        ours: /invalid JSON|invalid request body|config cannot be empty|filters parameter|it needs a list of values|No exec command specified/,
        theirs: /EOF|invalid character|json: cannot unmarshal|onfig cannot be empty/,
      },
      { ask: /images\/load/, path: /^body\.(error|errorDetail\.message)$/, ours: /archive cannot be read/ },
      { ask: /images\/create$/, path: /^body\.message$/, ours: /fromImage and fromSrc are missing/ },
      { ask: /images\/json/, path: /^body\.message$/, theirs: /syntax error in pattern/ },
      { ask: /platform=/, path: /^body\.message$/, ours: /is an invalid platform/ },
    ],
  },
  {
    title: 'What cannot come true is refused at once',
    reason:
      'A wish with a mistake in it (a mode, a signal, a network or a limit that does not exist, a condition nobody knows, no image at all) is refused when it is made. dockerd 20.10 takes it and fails at the start, or does something else instead.',
    at: [
      ...refusedHere(
        /^POST \/containers\/create$/,
        /invalid reference format|Invalid signal|does not support signal|invalid hostname|invalid \w+ mode|network nosuch not found|No such container|invalid size|max-file|seccomp profile|ulimit|sysctl|invalid tmpfs option|device cgroup rule|storage-opt|bad nameserver|blkio weight|trailing|after JSON|Cmd: Invalid input/,
      ),
      ...refusedHere(/\/wait\?condition=bogus$/, /invalid condition/),
      { ask: /^GET \/images\/get$/, path: /^status$/, ours: /400/, theirs: /200/ },
      { ask: /^GET \/images\/get$/, path: /^headers\.content-type$/, theirs: /x-tar/ },
      { ask: /^GET \/images\/get$/, path: /^body$/, ours: /no image was named/ },
    ],
  },
  {
    title: 'It speaks as newer versions of Docker do',
    reason:
      'Docker has reworded sentences, named content types, filled in empty lists and become lenient with empty bodies since 20.10; clients of today know the newer ways.',
    at: [
      {
        path: /message$|State\.Error$/,
        ours: /^"failed to create task for container: /,
        theirs: /^"failed to create shim task/,
      },
      { path: /message$/, ours: /cannot remove container \\"\/web\\"/, theirs: /You cannot remove a/ },
      { path: /message$/, ours: /unsupported Content-Type header/, theirs: /Content-Type specified/ },
      { path: /message$/, ours: /unknown or invalid runtime name/, theirs: /Unknown runtime specified/ },
      { path: /message$/, ours: /Unrecognised filter value for status|invalid filter 'dangling/ },
      { ask: /volumes\/create/, path: /Labels$/, ours: /volume\.anonymous/, theirs: /null/ },
      {
        path: /message$/,
        ours: /^"container [^ ]+ is (not running|paused)/,
        theirs: /^"Container [^ ]+ is (not running|paused)/,
      },
      {
        path: /message$/,
        ours: /The linux daemon does not support signal/,
        theirs: /Cannot kill container: web: The linux/,
      },
      { ask: /images/, path: /message$/, theirs: /^"(no such image: |No such image: nosuch"$)/ },
      { ask: /archive/, path: /message$/, theirs: /pathcannot be empty/ },
      { path: /HostConfig\.RestartPolicy\.Name$/, ours: /no/, theirs: /^""$/ },
      { ask: /^GET \/exec/, path: /^body\.ExitCode$/, ours: /^127$/, theirs: /^126$/ },
      { ask: /logs/, path: /^headers\.content-type$/, ours: /raw-stream/, theirs: ABSENT },
      { ask: /_ping/, path: /^headers\.builder-version$/, theirs: ABSENT },
      { path: /RepoDigests$/, ours: /^\[\]$/, theirs: /null/ },
      { ask: /exec\/nosuch\/start|limited\/update/, path: /^status$|^body/, theirs: /EOF|400|500|absent/ },
    ],
  },
  {
    title: 'Containers are more isolated by default',
    reason:
      'A cgroup namespace of their own on cgroup v1 too, and the masked paths of newer Docker. Clients that ask for dockerd’s way get it.',
    at: [
      { path: /HostConfig\.CgroupnsMode$/, ours: /private/, theirs: /host/ },
      { path: /HostConfig\.MaskedPaths$/, ours: /interrupts/ },
    ],
  },
  {
    title: 'A refused attach or exec is an ordinary answer',
    reason:
      'dockerd takes the connection over first and writes the sentence into the stream, as plain text. Ours has the status and the JSON document of every other failure.',
    at: [
      { ask: /\/attach\b/, path: /^headers\.content-type$/, ours: /application\/json/ },
      { ask: /\/attach\b/, path: /^body$/, ours: /^\{"message":/ },
      { ask: /^POST \/exec\/\{exec\}\/start$/, path: /^status$/, ours: /409/, theirs: /101/ },
      {
        ask: /^POST \/exec\/\{exec\}\/start$/,
        path: /^headers\.(upgrade|connection|content-type)$/,
        theirs: /tcp|Upgrade|raw-stream/,
      },
      { ask: /^POST \/exec\/\{exec\}\/start$/, path: /^body$/, ours: /has already run/ },
    ],
  },
  {
    title: 'A network namespace is the container’s own',
    reason:
      'There is no sandbox beside the container that outlives its process, so it has no id, and a path only while it runs.',
    at: [{ path: /NetworkSettings\.Sandbox(ID|Key)$/ }],
  },
  {
    title: 'Mount points appear with the first start',
    reason:
      'dockerd puts empty files for /etc/hosts, /etc/hostname, /etc/resolv.conf and others into a container when it is created. Ours has what its image has until it is started.',
    at: [{ ask: /^GET \/containers\/files\/archive\?path=\/etc\/?$/, path: /^body$/, theirs: /etc\/hostname/ }],
  },
  {
    title: 'Links, builds and networks of other drivers are refused by name',
    reason: 'This version does not have them: 501 with a sentence, before anything is made.',
    at: [
      { path: /^status$/, ours: /501/ },
      { path: /^body(\.message)?$/, ours: /are not available in this version|Slipway cannot/ },
    ],
  },
];
