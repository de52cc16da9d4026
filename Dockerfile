# The image that runs a recipe: docker build -t reasoning-recipes .
# For GPUs: --build-arg TORCH_INDEX=https://pypi.org/simple, whose Linux builds of torch are for CUDA.
FROM python:3.11-slim

ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PYTHONPATH=/app/profiles/kubernetes

# What shuts in the programs that a model writes. The container must allow namespaces: docs/clusters.md.
RUN apt-get update && apt-get install -y --no-install-recommends bubblewrap && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 1000 recipes

WORKDIR /app
RUN pip install torch==2.13.0 --index-url "$TORCH_INDEX"
COPY pyproject.toml ./
RUN pip install '.[kubernetes]'

COPY Snakefile README.md LICENSE ./
COPY profiles profiles
COPY recipes recipes
COPY data data
COPY stages stages

# Results and Snakemake's own notes lie on the volume that is mounted at runs/.
RUN mkdir runs && ln -s runs/.snakemake .snakemake && chown -R recipes:recipes runs
USER recipes
VOLUME /app/runs

ENTRYPOINT ["sh", "-c", "mkdir -p runs/.snakemake && exec snakemake \"$@\"", "snakemake"]
CMD ["help"]
