import { DEFAULTS } from "./defaults";
import { MAX_CA_DAYS, MAX_LEAF_DAYS } from "./predicates";
import { setIt, type SettingReader } from "./setting-reader";
import type { StackSettings } from "./settings";

/** Reads how long certificates are valid, and which issue of them is wanted. */
export function readCertificates(read: SettingReader): StackSettings["certificates"] {
    const epoch = read.number("certEpoch", DEFAULTS.certEpoch, { min: 1, max: 1000000 });
    const caDays = read.number("caDays", DEFAULTS.caDays, {
        min: 1,
        max: MAX_CA_DAYS,
        unit: "days",
    });
    const leafDays = read.number("leafDays", DEFAULTS.leafDays, {
        min: 1,
        max: MAX_LEAF_DAYS,
        unit: "days",
    });
    if (read.fine("caDays", "leafDays") && leafDays > caDays) {
        read.refuse(
            "leafDays",
            `must not outlive the CA (caDays is ${caDays})`,
            String(leafDays),
            setIt("leafDays", caDays),
        );
    }
    return { epoch, caDays, leafDays };
}
