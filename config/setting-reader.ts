import { ConfigError, shown } from "./errors";

/** Raw look-ups, as `pulumi.Config.get` does them: text, or `undefined` when the key is not set. */
export interface ConfigSource {
    get(key: string): string | undefined;
}

/** Range of a number. Both ends belong to it. */
export interface Range {
    readonly min: number;
    readonly max: number;
    /** For the error, e.g. "MiB". */
    readonly unit?: string;
    /** Refuse fractions. @default true */
    readonly whole?: boolean;
}

/** Reads settings one by one and keeps every problem, so that one run shows all of them. */
export class SettingReader {
    private readonly problems: string[] = [];
    private readonly refused = new Set<string>();

    public constructor(
        private readonly source: ConfigSource,
        private readonly stack: string,
    ) {}

    /** Notes a problem: `<key>: <rule>, got <value>; <fix>`. */
    public refuse(key: string, rule: string, got: string, fix: string): void {
        this.refused.add(key);
        this.problems.push(`${key}: ${rule}, got ${got}; ${fix}`);
    }

    /** Whether all of the keys were fine so far: cross-field rules only make sense then. */
    public fine(...keys: readonly string[]): boolean {
        return keys.every((key) => !this.refused.has(key));
    }

    /** Whether the stack sets the key itself. */
    public has(key: string): boolean {
        return this.source.get(key) !== undefined;
    }

    /** Text that has to satisfy `holds`. */
    public text(
        key: string,
        fallback: string,
        holds: (text: string) => boolean,
        rule: string,
        fix: string,
    ): string {
        const raw = this.source.get(key);
        if (raw === undefined) return fallback;
        if (holds(raw)) return raw;
        this.refuse(key, rule, shown(raw), fix);
        return fallback;
    }

    /** One of a few words. */
    public choice<T extends string>(key: string, fallback: T, allowed: readonly T[]): T {
        const raw = this.source.get(key);
        if (raw === undefined) return fallback;
        const found = allowed.find((word) => word === raw);
        if (found !== undefined) return found;
        this.refuse(key, `must be ${allowed.join(" or ")}`, shown(raw), setIt(key, fallback));
        return fallback;
    }

    /** `true` or `false`. */
    public flag(key: string, fallback: boolean): boolean {
        return this.choice(key, fallback ? "true" : "false", ["true", "false"]) === "true";
    }

    /** A plain decimal number in a range. */
    public number(key: string, fallback: number, range: Range): number {
        const raw = this.source.get(key);
        if (raw === undefined) return fallback;
        const { min, max, unit, whole = true } = range;
        const form = whole ? /^[0-9]{1,15}$/ : /^[0-9]{1,15}(\.[0-9]{1,6})?$/;
        const value = form.test(raw) ? Number(raw) : Number.NaN;
        if (value >= min && value <= max) return value;
        const kind = whole ? "a whole number" : "a number";
        const rule = `must be ${kind}${unit === undefined ? "" : ` of ${unit}`} from ${min} to ${max}`;
        this.refuse(key, rule, shown(raw), setIt(key, fallback));
        return fallback;
    }

    /** @throws ConfigError with all problems, when there are any */
    public finish(): void {
        if (this.problems.length === 0) return;
        const bullets = this.problems.map((problem) => `- ${problem}`).join("\n");
        throw new ConfigError(
            `the settings of stack ${shown(this.stack)} do not work:\n${bullets}`,
        );
    }
}

/** The command that sets a key, for the end of an error. */
export function setIt(key: string, value: string | number): string {
    return `set it with: pulumi config set ${key} ${value}`;
}
