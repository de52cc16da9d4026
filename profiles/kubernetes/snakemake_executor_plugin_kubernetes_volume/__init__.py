"""Snakemake's Kubernetes executor for pods that share one volume with Snakemake itself; PYTHONPATH makes it known.

The executor as it is expects no common disk: it copies the declared inputs and outputs of a job through an object
store. What a stage resumes from is not declared, so it would be lost with the pod. Here `runs/` and `.snakemake/` lie
on a volume, the rest comes with the image, and both are at the same place in every pod.
"""

import shlex
from dataclasses import replace

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

    def get_job_exec_prefix(self, job) -> str:
        """What the container's shell does first."""
        return f"cd {shlex.quote(str(self.workflow.workdir_init))}"
