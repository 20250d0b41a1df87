const MEMORY_UNITS = { Ki: 1 / 1024, Mi: 1, Gi: 1024 } as const;

/** "512Mi", "1Gi", "262144Ki" in MiB; `undefined` when it is no such text or not a whole number of MiB. */
export function parseMemory(text: string): number | undefined {
    const match = /^([1-9][0-9]{0,11})(Ki|Mi|Gi)$/.exec(text);
    const unit = match?.[2];
    if (unit !== "Ki" && unit !== "Mi" && unit !== "Gi") return undefined;
    const megabytes = Number(match?.[1]) * MEMORY_UNITS[unit];
    return Number.isInteger(megabytes) ? megabytes : undefined;
}

/** MiB as the shortest text `parseMemory` reads back. */
export function formatMemory(megabytes: number): string {
    return megabytes % 1024 === 0 ? `${megabytes / 1024}Gi` : `${megabytes}Mi`;
}

/** "10s", "1m30s", "1h" in seconds; `undefined` when it is no such text. */
export function parseDuration(text: string): number | undefined {
    const match = /^(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,6})s)?$/.exec(text);
    if (match === null || text === "") return undefined;
    const [hours = 0, minutes = 0, seconds = 0] = match.slice(1).map((part) => Number(part ?? 0));
    return hours * 3600 + minutes * 60 + seconds;
}

/** Seconds as text `parseDuration` reads back: 90 is "1m30s". */
export function formatDuration(seconds: number): string {
    const parts = [
        [Math.floor(seconds / 3600), "h"],
        [Math.floor(seconds / 60) % 60, "m"],
        [seconds % 60, "s"],
    ] as const;
    const text = parts.map(([count, unit]) => (count === 0 ? "" : `${count}${unit}`)).join("");
    return text === "" ? "0s" : text;
}
