"""Snakemake's Kubernetes executor for pods that share one volume with Snakemake itself; PYTHONPATH makes it known.

The executor as it is expects no common disk: it copies the declared inputs and outputs of a job through an object
store. What a stage resumes from is not declared, so it would be lost with the pod. Here `runs/` and `.snakemake/` lie
on a volume, the rest comes with the image, and both are at the same place in every pod.
"""

import shlex
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import kubernetes
import snakemake_executor_plugin_kubernetes as kubernetes_plugin

ExecutorSettings = kubernetes_plugin.ExecutorSettings
common_settings = replace(
    kubernetes_plugin.common_settings,
    implies_no_shared_fs=False,
    job_deploy_sources=False,
    auto_deploy_default_storage_provider=False,
)


class Executor(kubernetes_plugin.Executor):
    """Runs a job in the folder that Snakemake runs in, not in an empty one."""

    @property
    def batchapi(self) -> kubernetes.client.BatchV1Api:
        """What makes the pods; a new one after each login."""
        return self._batchapi

    @batchapi.setter
    def batchapi(self, api: kubernetes.client.BatchV1Api) -> None:
        self._batchapi = api
        api.create_namespaced_job = partial(create_with_namespaces, api.create_namespaced_job)

    def get_job_exec_prefix(self, job) -> str:
        """What the container's shell does first."""
        return f"cd {shlex.quote(str(self.workflow.workdir_init))}"


def create_with_namespaces(create: Callable[..., Any], namespace: str, job: kubernetes.client.V1Job) -> Any:
    """Make a job whose containers may make namespaces: the sandbox of programs that a model writes needs them."""
    for container in job.spec.template.spec.containers:
        context = container.security_context = container.security_context or kubernetes.client.V1SecurityContext()
        context.seccomp_profile = kubernetes.client.V1SeccompProfile(type="Unconfined")
        context.app_armor_profile = kubernetes.client.V1AppArmorProfile(type="Unconfined")
    return create(namespace, job)
