"""The REST server: `create_app` (app.py) over `hippomem.service.Tenants`; it translates, and nothing else."""
