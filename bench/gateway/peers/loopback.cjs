// Preloaded into a program that cannot be told an address: what listens on a port alone listens on loopback.
const { Server } = require("node:net");

const { listen } = Server.prototype;
Server.prototype.listen = function (first, ...rest) {
    const [second] = rest;
    if (/^\d+$/.test(String(first)) && typeof second !== "string") {
        return listen.call(this, Number(first), "127.0.0.1", ...rest);
    }
    return listen.call(this, first, ...rest);
};
