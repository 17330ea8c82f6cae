"""Visual Genome: `region_descriptions.json` and `image_data.json`, pictures in VG_100K and VG_100K_2."""
from collections.abc import Iterator
from pathlib import Path

from .json_file import field, read_json
from .sample import DataError, Media, Sample, unit_box


def read_visual_genome(folder: Path) -> Iterator[Sample]:
    """Every region description as a region sample."""
    described, listed = folder / 'region_descriptions.json', folder / 'image_data.json'
    sizes = {entry['image_id']: (entry['width'], entry['height']) for entry in read_json(listed)}
    for number, image in enumerate(read_json(described)):
        identity = image.get('id', image.get('image_id'))
        if identity not in sizes:
            raise DataError(described, number, f'describes picture {identity}, which image_data.json does not have.')
        media = Media(pictures=(picture(folder, identity),))
        for region in field(image, 'regions', described, number):
            box = unit_box(region['x'], region['y'], region['width'], region['height'], *sizes[identity])
            if box[0] < box[2] and box[1] < box[3]:  # a few of the set lie outside their picture
                yield Sample('visual-genome', str(region['region_id']), media, 'region', region['phrase'].strip(), boxes=(box,))


def picture(folder: Path, identity: int) -> Path:
    second = folder / 'VG_100K_2' / f'{identity}.jpg'
    return second if second.exists() else folder / 'VG_100K' / f'{identity}.jpg'
