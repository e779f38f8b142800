"""Scaffolds: a package for a new model or benchmark, and the image it is shipped as."""

from genomark.scaffold.engines import ENGINES
from genomark.scaffold.image import BuildOptions, Image, build_image
from genomark.scaffold.package_files import CAPABILITIES, Kind, NewPackage, write_package

__all__ = [
    "CAPABILITIES",
    "ENGINES",
    "BuildOptions",
    "Image",
    "Kind",
    "NewPackage",
    "build_image",
    "write_package",
]
