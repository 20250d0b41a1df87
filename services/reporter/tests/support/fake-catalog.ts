/** What the fake Consul keeps, in the words of the real one. */

export interface FakeService {
    ID: string;
    Service: string;
    Address: string;
    Port: number;
    Tags: string[];
    Meta: Record<string, string>;
    CreateIndex: number;
    ModifyIndex: number;
}

export interface FakeCheck {
    Node: string;
    CheckID: string;
    Name: string;
    Status: string;
    Output: string;
    Notes: string;
    ServiceID: string;
    ServiceName: string;
    Definition: Record<string, unknown>;
    ModifyIndex: number;
}

export interface Registration {
    readonly id: string;
    readonly port: number;
    readonly meta: Record<string, string>;
    readonly address?: string;
    /** Without it the service comes without a check. */
    readonly check?: { readonly status: string; readonly output: string };
}
