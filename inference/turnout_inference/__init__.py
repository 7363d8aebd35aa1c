"""A Sanic server for int8 CTranslate2 text classifiers, and the tools that make its models."""

__version__ = "0.1.0"
