# The lab for a class: docker build -t handgrad-lab . && docker run -p 8000:8000 --read-only --tmpfs /tmp handgrad-lab
FROM python:3.12-slim
COPY . /src
RUN pip install --no-cache-dir '/src[lab,pdf]' && rm -r /src && useradd --create-home lab
USER lab
ENV OMP_NUM_THREADS=1
EXPOSE 8000
HEALTHCHECK --interval=30s CMD python -c "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health')"
CMD ["uvicorn", "handgrad.lab:app", "--host", "0.0.0.0", "--port", "8000", "--no-access-log", "--timeout-graceful-shutdown", "10"]
