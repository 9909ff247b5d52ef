# The programs, for a CPU. Not built where this was written: no images there.
#   docker build -f docker/cpu.Dockerfile -t alexnet_tf .
#   docker run --rm -v "$PWD:/data" alexnet_tf doctor
#   docker run --rm -v "$PWD:/data" -p 127.0.0.1:8501:8501 alexnet_tf \
#       serve --model=runs/demo/export --host=0.0.0.0
FROM python:3.12-slim
COPY . /src
RUN pip install --no-cache-dir '/src[export,figures,parquet,serving]' \
    && rm -rf /src \
    && useradd --uid=1000 --create-home alexnet
USER 1000
WORKDIR /data
EXPOSE 8500 8501
ENTRYPOINT ["alexnet"]
CMD ["--help"]
