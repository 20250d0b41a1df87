// Shows the API's description with a token that is kept in this page's memory only.
"use strict";

const form = document.getElementById("login");
const problem = document.getElementById("problem");

form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const authorization = `Bearer ${document.getElementById("token").value.trim()}`;
    const response = await fetch("/openapi.json", { headers: { authorization } });
    const spec = await response.json();
    problem.textContent = response.ok ? "" : `${spec.detail}: ${spec.remedy}`;
    if (!response.ok) return;
    window.SwaggerUIBundle({
        spec,
        domNode: document.getElementById("api"),
        validatorUrl: null,
        requestInterceptor: (request) => {
            request.headers.authorization = authorization;
            return request;
        },
    });
});
