# One image for every process of the platform; docker-compose.yml says which one a container is.
FROM python:3.11-slim-bookworm

RUN useradd --create-home --uid 1000 jobsite \
    && install --directory --owner=jobsite --group=jobsite --mode=0700 /var/lib/jobsite
WORKDIR /opt/jobsite
COPY requirements.txt ./
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: \
    --requirement requirements.txt
COPY . ./

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DJANGO_SETTINGS_MODULE=jobsite.settings JOBSITE_VAR=/var/lib/jobsite
USER jobsite
CMD ["python", "-m", "jobsite.run.setup"]
