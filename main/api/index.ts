/** The engine's HTTP face: the Docker Engine API, and our own under `/slipway`. */
import type { Engine } from '../engine/index.js';
import { backupRoutes } from './routes/backups.js';
import { binRoutes } from './routes/bin.js';
import { diskRoutes } from './routes/disk.js';
import { changeRoutes } from './routes/changes.js';
import { containerRoutes } from './routes/containers.js';
import { execRoutes } from './routes/exec.js';
import { fileRoutes } from './routes/files.js';
import { imageRoutes } from './routes/images.js';
import { missingRoutes } from './routes/missing.js';
import { layerRoutes } from './routes/layers.js';
import { mountRoutes } from './routes/mounts.js';
import { networkRoutes } from './routes/networks.js';
import { registryRoutes } from './routes/registries.js';
import { resourceRoutes } from './routes/resources.js';
import { fileTreeRoutes } from './routes/file-tree.js';
import { serveRoutes } from './routes/serve.js';
import { slipwayRoutes } from './routes/slipway.js';
import { systemRoutes } from './routes/system.js';
import { volumeDataRoutes } from './routes/volume-data.js';
import { volumeRoutes } from './routes/volumes.js';
import { ApiServer } from './server.js';

export type { ApiServer } from './server.js';

/** Serves an engine; `listen` on as many socket paths as needed. */
export const createApi = (engine: Engine): ApiServer =>
  new ApiServer(
    [
      ...containerRoutes(engine),
      ...execRoutes(engine),
      ...fileRoutes(engine),
      ...fileTreeRoutes(engine),
      ...imageRoutes(engine),
      ...layerRoutes(engine),
      ...networkRoutes(engine),
      ...registryRoutes(engine),
      ...resourceRoutes(engine),
      ...systemRoutes(engine),
      ...volumeRoutes(engine),
      ...volumeDataRoutes(engine),
      ...slipwayRoutes(engine),
      ...backupRoutes(engine),
      ...binRoutes(engine),
      ...diskRoutes(engine),
      ...changeRoutes(engine),
      ...mountRoutes(engine),
      ...serveRoutes(engine),
      ...missingRoutes(),
    ],
    { product: `Slipway/${engine.version} (linux)`, onLarge: (socket) => engine.widen(socket) },
  );
