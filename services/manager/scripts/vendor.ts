/**
 * Puts the dashboard's libraries into the built dashboard, or the folder given as argument. `npm run build` runs it after
 * the bundle is made.
 */
import { resolve } from "node:path";

import { copyVendorFiles } from "./vendor-files.ts";

const [folder = resolve(import.meta.dirname, "../dist/dashboard")] = process.argv.slice(2);
copyVendorFiles(folder);
