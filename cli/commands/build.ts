import { readMachineFacts, writeMachineFacts } from "../../config/machine";
import { ensureDocker } from "../docker/host";
import type { Session } from "../session";
import { buildLocalImages } from "../stack/images";

/** `./mcp build`: makes the images of `imageSource: local`, so that plain `pulumi up` finds them. */
export async function build(session: Session): Promise<void> {
    const docker = await ensureDocker(session.project.dir, session.out);
    await buildLocalImages(session, docker);
    const { dir } = session.project;
    writeMachineFacts(dir, { ...readMachineFacts(dir), imageSource: "local" });
    session.out.result(
        { built: true },
        () => "images are built; this machine uses them from now on",
    );
}
