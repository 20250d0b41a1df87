import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { refuseUnknown } from "../run";
import type { ContainerInputs } from "./containerBody";

type Upload = NonNullable<ContainerInputs["uploads"]>[number];

const KNOWN = [
    ...["content", "contentBase64", "executable", "file", "permissions", "source", "sourceHash"],
];

/** The files to upload as one tar archive, to be unpacked at "/". */
export function uploadArchive(uploads: readonly Upload[], projectDir: string): Buffer {
    return Buffer.concat([...uploads.map((u) => tarFile(u, projectDir)), Buffer.alloc(1024)]);
}

/** A file as a POSIX ustar entry: a header block, then the content padded to whole blocks. */
function tarFile(upload: Upload, projectDir: string): Buffer {
    refuseUnknown("an upload", upload, KNOWN);
    const { content, contentBase64, executable, file, permissions, source } = upload;
    const name = Buffer.from(file.replace(/^\/+/, ""));
    if ([content, contentBase64, source].filter(Boolean).length !== 1 || name.length > 100) {
        throw new Error(
            `the upload ${file} needs one of content, contentBase64 and source, and a path of up to 100 bytes`,
        );
    }
    const data = source
        ? readFileSync(resolve(projectDir, source))
        : Buffer.from(content || contentBase64 || "", content ? "utf8" : "base64");
    const header = Buffer.alloc(512);
    const octal = (value: number, offset: number, length: number) =>
        header.write(value.toString(8).padStart(length - 1, "0"), offset, "ascii");
    name.copy(header);
    octal(parseInt(permissions || (executable ? "744" : "644"), 8), 100, 8);
    octal(0, 108, 8);
    octal(0, 116, 8);
    octal(data.length, 124, 12);
    octal(Math.floor(Date.now() / 1000), 136, 12);
    // The checksum is taken with blanks in its own place.
    header.write("        0", 148, "ascii");
    header.write("ustar\u000000", 257, "ascii");
    const checksum = header.reduce((sum, byte) => sum + byte, 0);
    octal(checksum, 148, 7);
    return Buffer.concat([header, data, Buffer.alloc((512 - (data.length % 512)) % 512)]);
}
