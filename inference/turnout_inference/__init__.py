"""A Sanic server for int8 CTranslate2 text classifiers, and the tools that make its models."""
