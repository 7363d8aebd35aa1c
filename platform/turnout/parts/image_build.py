"""The image built and pushed by `pulumi up` itself."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pulumi
import pulumi_docker_build as docker
from pulumi_aws import ecr

from turnout.config.surroundings import Build
from turnout.parts.account import Account
from turnout.parts.registry import Registry, RegistryArgs
from turnout.parts.statements import repository_arn
from turnout.parts.tags import service_tags
from turnout.sizing import Architecture
from turnout.workspace import Workspace, WorkspaceError, find_workspace

PLATFORM: Final[Mapping[Architecture, docker.Platform]] = {
    "x86_64": docker.Platform.LINUX_AMD64,
    "arm64": docker.Platform.LINUX_ARM64,
}


@dataclass(frozen=True, kw_only=True)
class ImageBuildArgs:
    """`architectures` are those of the tiers; with `keep` the images outlive the stack."""

    service: str
    build: Build
    architectures: Sequence[Architecture]
    keep: bool
    account: Account
    tags: Mapping[str, str]


class ImageBuild(pulumi.ComponentResource):
    """One image of one platform for each architecture, pushed by digest.

    Never one of several platforms: Lambda takes none. Without a tag, because tags are immutable
    and nobody needs one: the digest is what the tiers are told.
    """

    references: Mapping[Architecture, pulumi.Output[str]]
    repository_arn: pulumi.Output[str] | None

    def __init__(
        self, name: str, args: ImageBuildArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("turnout:parts:ImageBuild", name, None, opts)
        url = self._repository(name, args)
        login = ecr.get_authorization_token_output(opts=pulumi.InvokeOptions(parent=self))
        self.references = {
            architecture: self._build(name, architecture, args.build, url, login)
            for architecture in args.architectures
        }
        self.register_outputs({"references": self.references})

    def _repository(self, name: str, args: ImageBuildArgs) -> pulumi.Output[str]:
        given = args.build.repository
        if given is not None:
            self.repository_arn = repository_arn(given, args.account)
            return pulumi.Output.from_input(given)
        registry = Registry(
            name,
            RegistryArgs(
                keep=args.keep,
                keep_untagged=True,
                tags=service_tags(args.service, pulumi.get_stack(), "shared", args.tags),
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.repository_arn = registry.arn
        return registry.url

    def _build(
        self,
        name: str,
        architecture: Architecture,
        build: Build,
        url: pulumi.Output[str],
        login: pulumi.Output[ecr.GetAuthorizationTokenResult],
    ) -> pulumi.Output[str]:
        suffix = architecture.replace("_", "-")
        context, dockerfile = build_paths(build, _workspace())
        cache = None if build.cache is None else f"{build.cache}-{suffix}"
        image = docker.Image(
            f"{name}-{suffix}",
            push=False,
            exports=[
                {"registry": {"names": [url], "push_by_digest": True, "oci_media_types": True}}
            ],
            platforms=[PLATFORM[architecture]],
            context={"location": context},
            dockerfile={"location": dockerfile},
            # Minutes, and an engine: `up` is early enough.
            build_on_preview=False,
            cache_from=None if cache is None else [{"registry": {"ref": cache}}],
            cache_to=None
            if cache is None
            else [
                {
                    "registry": {
                        "ref": cache,
                        "mode": docker.CacheMode.MAX,
                        # The two that ECR needs to take a cache.
                        "image_manifest": True,
                        "oci_media_types": True,
                        "ignore_error": True,
                    }
                }
            ],
            registries=[
                {
                    "address": url.apply(lambda repository: repository.partition("/")[0]),
                    "username": login.user_name,
                    "password": pulumi.Output.secret(login.password),
                }
            ],
            # A rollback needs the former image: only age takes one out of the registry.
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
        return pulumi.Output.concat(url, "@", image.digest)


def build_paths(build: Build, workspace: Workspace) -> tuple[str, str]:
    """Context and Dockerfile, relative to where Pulumi runs the program.

    Absolute paths would be in the state, and differ on every machine that deploys.
    """

    def seen_from_program(path: str) -> str:
        return os.path.relpath(workspace.root / path, workspace.program)

    return seen_from_program(build.context), seen_from_program(build.dockerfile)


def _workspace() -> Workspace:
    try:
        return find_workspace(Path(pulumi.runtime.get_root_directory() or Path.cwd()))
    except WorkspaceError as error:
        raise pulumi.RunError(f"turnout:service.image.build: {error}") from None
