"""The public packages that the sets are made of, with the versions that the figures were taken with.

The lists were fixed before anything was measured; a package's half follows from its name alone.
"""

from __future__ import annotations


def _pinned(text: str) -> dict[str, str]:
    return dict(word.split("=") for word in text.split())


# Wheels, for docstring → function.
PYTHON = _pinned("""
aiohttp=3.14.5 ansible-core=2.21.5 anyio=4.16.0 astropy=8.0.2 attrs=26.1.0 biopython=1.88 black=26.10.1
bokeh=3.10.1 boto3=1.44.5 botocore=1.44.5 celery=5.7.0 click=8.5.1 cryptography=50.0.2 dask=2026.8.0
distributed=2026.8.0 django=6.1.3 docker=7.2.0 docutils=0.23 fabric=3.2.3 falcon=4.4.0 fastapi=0.163.2
flask=3.1.3 gensim=4.4.0 geopandas=1.2.0 httpx=0.28.1 hypothesis=6.170.15 ipython=9.18.1 jinja2=3.1.6
jupyter-client=8.10.0 jupyter-server=2.21.1 keras=3.15.1 kombu=5.7.0 luigi=3.8.1 lxml=6.1.3
marshmallow=4.4.0 matplotlib=3.11.2 mitmproxy=12.3.1 mongoengine=0.29.3 music21=10.5.1 mypy=2.4.1
nbconvert=7.17.2 networkx=3.7 nltk=3.10.4 numpy=2.5.5 pandas=3.1.1 paramiko=5.1.0 peewee=4.5.3
pillow=13.0.0 poetry=2.5.1 psutil=7.2.2 pydantic=2.14.3 pygments=2.21.0 pylint=4.1.4 pymongo=4.20.0
pyramid=2.1 pytest=9.2.0 pyyaml=6.0.3 rdflib=7.6.0 redis=8.1.0 requests=2.34.2 rich=15.0.0
scikit-image=0.26.0 scikit-learn=1.9.1 scipy=1.18.1 scrapy=2.19.0 setuptools=84.2.1 simpy=4.1.2
spacy=3.8.18 sphinx=9.2.0 sqlalchemy=2.1.9 statsmodels=0.15.0 sympy=1.14.0 tornado=6.6.1 trio=0.35.0
twisted=26.10.0 werkzeug=3.1.9 xarray=2026.9.0 zope.interface=8.7
""")
