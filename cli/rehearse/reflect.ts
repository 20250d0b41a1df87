/**
 * `@peculiar/x509` injects its algorithms with `tsyringe`, which does not load without the metadata half of `Reflect`.
 * None of the classes it injects takes a parameter, so "no metadata" is the right answer to every question. Import this
 * before `@peculiar/x509`; where the package `reflect-metadata` is loaded already, that one stays.
 */
const reflect = Reflect as unknown as Record<string, (() => undefined) | undefined>;

for (const name of ["getMetadata", "getOwnMetadata", "defineMetadata"]) {
    reflect[name] ??= () => undefined;
}

export {};
