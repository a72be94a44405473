"""What a server may be told, by flags, by ``MLAOI_*`` in the environment, or in a TOML file, in that order."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from mlaoi_graph.errors import SettingsError

__all__ = ["Settings", "load", "shown"]

_ORIGIN: Final = re.compile(r"\*|[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]+)?")
"""As a browser says it: what is written in another way would be nobody's."""


class Settings(BaseSettings):
    """How a catalog is served; every limit holds for each request by itself."""

    model_config = SettingsConfigDict(env_prefix="MLAOI_", extra="forbid", frozen=True)

    catalog: Path
    """Catalog directory."""
    host: str = "127.0.0.1"
    """Address to listen on; the default is reached from this machine only."""
    port: int = Field(8765, ge=0, le=65535)
    """Port to listen on; 0 takes a free one."""
    public_url: str | None = None
    """Address clients know the server by, if a proxy stands before it; ends in a slash."""
    workers: int = Field(4, ge=1, le=256)
    """Processes that run SPARQL: so many queries at a time."""
    answerers: int = Field(2, ge=1, le=256)
    """Processes that answer everything else (pages, JSON API), so that SPARQL cannot keep it waiting."""
    queue: int = Field(100, ge=0)
    """Requests that may wait for a process; one more is refused with 503."""
    timeout: float = Field(30.0, gt=0)
    """Seconds a request may run."""
    memory_mb: int = Field(1024, ge=64)
    """Memory a request may take in its process, beyond what the process has at its start."""
    rows: int = Field(1_000_000, ge=1)
    """Rows or triples an answer may have."""
    result_mb: int = Field(256, ge=1)
    """Size of an answer."""
    cache_mb: int = Field(64, ge=0)
    """Memory for answers of SPARQL that are asked for again; 0 keeps none."""
    body_kb: int = Field(1024, ge=1)
    """Size of a request's body."""
    nesting: int = Field(200, ge=1, le=400)
    """Brackets within brackets a query may have: a thousand would end the engine's process."""
    header_timeout: float = Field(10.0, gt=0)
    """Seconds a client may take to send a request's head, and the same again for its body."""
    connections: int = Field(2000, ge=1)
    """Connections held at a time; one more is refused with 503."""
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ("*",)
    """Origins whose pages may read; comma-separated in the environment."""
    writable: bool = False
    """Whether SPARQL Update is taken, with the token."""
    token: SecretStr | None = None
    """Bearer token of updates; by environment or file only, where other users of the machine do not see it."""

    file: ClassVar[Path | None] = None

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            if not _ORIGIN.fullmatch(one):
                raise ValueError(
                    f"{one!r} is no origin. Write https://a.example or http://a.example:8000, in lower case and "
                    "without a path, or *; several with commas between them in the environment, as a list in the file"
                )
        return value

    @field_validator("catalog", mode="before")
    @classmethod
    def _is_directory(cls, value: Any) -> Any:
        if str(value).startswith(("http://", "https://")):
            raise ValueError(
                f"serve needs a catalog directory, and {value} is a server's address. "
                "That server has an endpoint of its own"
            )
        return value

    @field_validator("public_url")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("an address starts with http:// or https://")
        return value if value is None or value.endswith("/") else f"{value}/"

    @model_validator(mode="after")
    def _token_for_updates(self) -> Settings:
        if self.writable and (self.token is None or len(self.token.get_secret_value()) < 16):
            raise ValueError("writable needs a token of 16 characters or more: set MLAOI_TOKEN, or token in the file")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put flags before the environment before the file."""
        sources: tuple[PydanticBaseSettingsSource, ...] = (init_settings, env_settings)
        return sources if cls.file is None else (*sources, TomlConfigSettingsSource(settings_cls, cls.file))


def load(file: Path | None = None, **flags: Any) -> Settings:
    """Return the settings: ``flags`` that are not None before ``MLAOI_*`` before the TOML file (or ``MLAOI_CONFIG``).

    Raises SettingsError for a value that cannot be used, a name nobody knows in the file, a file that is not TOML.
    """
    named = file or (Path(os.environ["MLAOI_CONFIG"]) if os.environ.get("MLAOI_CONFIG") else None)
    if named is not None and not named.is_file():
        raise SettingsError(f"{named}: no such file. Check --config or MLAOI_CONFIG")
    # The file is the class's business in pydantic-settings, so each file has a class of its own.
    chosen: type[Settings] = type(
        "Settings", (Settings,), {"file": named, "__module__": __name__, "__doc__": Settings.__doc__}
    )
    try:
        return chosen(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        problems = "; ".join(
            ": ".join(filter(None, (".".join(map(str, e["loc"])), e["msg"].removeprefix("Value error, "))))
            for e in error.errors()
        )
        raise SettingsError(f"{problems}. See what is in force: mlaoi-graph serve --show-config") from None
    except (ValueError, OSError) as error:
        raise SettingsError(f"{named}: not TOML ({error}). Correct it") from None


def shown(settings: Settings) -> str:
    """Return settings as a TOML file says them; the token is hidden."""
    lines = []
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if value is None:
            lines.append(f"# {name} is not set")
        elif isinstance(value, SecretStr):
            lines.append(f'# {name} = "..."')
        elif isinstance(value, tuple):
            lines.append(f"{name} = [{', '.join(map(_text, value))}]")
        else:
            lines.append(f"{name} = {_text(value)}")
    return "\n".join(lines)


def _text(value: object) -> str:
    import json

    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else json.dumps(str(value), ensure_ascii=False)
