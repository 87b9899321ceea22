"""The database: tables, migrations, one small repository per concern."""
