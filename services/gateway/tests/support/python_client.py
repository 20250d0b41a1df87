"""What the official Python SDK's client gets, as JSON: python_client.py URL MODE TOOL URI PROMPT, token in MCP_TOKEN."""

import asyncio
import json
import os
import sys

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

SECONDS = 30


async def main(url: str, mode: str, tool: str, uri: str, prompt: str) -> None:
    headers = {"Authorization": f"Bearer {os.environ['MCP_TOKEN']}"}
    async with httpx2.AsyncClient(headers=headers, timeout=SECONDS) as http:
        async with Client(streamable_http_client(url, http_client=http), mode=mode) as client:
            results = {
                "tools/list": await client.list_tools(),
                "tools/call": await client.call_tool(tool, {"value": "v"}),
                "resources/read": await client.read_resource(uri),
                "prompts/get": await client.get_prompt(prompt),
            }
    print(json.dumps({method: result.model_dump(mode="json") for method, result in results.items()}))


asyncio.run(asyncio.wait_for(main(*sys.argv[1:]), SECONDS))
