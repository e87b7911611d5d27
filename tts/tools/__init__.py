"""Tools that an orchestrator may call: functions, MCP servers, models, retrieval, Python; with prices."""
