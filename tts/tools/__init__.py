"""Tools that a policy may call: functions, MCP servers, models, retrieval, Python; and answers read by programs."""
