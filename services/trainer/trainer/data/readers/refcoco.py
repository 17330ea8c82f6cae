"""RefCOCO, RefCOCO+ and RefCOCOg: `refs(unc|umd|google).p` and `instances.json` in the folder of the set, pictures of COCO train2014."""
import pickle
from collections.abc import Iterator
from pathlib import Path

from .json_file import field, read_json
from .polygon import from_coco
from .sample import DataError, Media, Sample, unit_box


class PlainUnpickler(pickle.Unpickler):
    """Lists, dicts, text and numbers only: a pickle from the net can otherwise run code."""

    def find_class(self, module: str, name: str) -> type:
        raise pickle.UnpicklingError(f'it wants {module}.{name}')


def read_refcoco(folder: Path, pictures: Path, split: str = 'val', by: str = 'unc', masks: bool = False) -> Iterator[Sample]:
    """Every sentence of every reference of a split; region samples, or mask samples."""
    instances, refs_path = folder / 'instances.json', folder / f'refs({by}).p'
    data = read_json(instances)
    images = {image['id']: image for image in field(data, 'images', instances, 'top')}
    annotations = {a['id']: a for a in field(data, 'annotations', instances, 'top')}
    if not refs_path.is_file():
        raise DataError(refs_path, 0, 'is missing.')
    try:
        with open(refs_path, 'rb') as file:
            refs = PlainUnpickler(file).load()
    except pickle.UnpicklingError as error:
        raise DataError(refs_path, 0, f'is no plain pickle of references ({error}).') from error
    for number, ref in enumerate(refs):
        if field(ref, 'split', refs_path, number) != split:
            continue
        annotation, image = annotations.get(ref['ann_id']), images.get(ref['image_id'])
        if annotation is None or image is None:
            raise DataError(refs_path, number, f'names annotation {ref["ann_id"]} of picture {ref["image_id"]}, which instances.json does not have.')
        width, height = image['width'], image['height']
        media = Media(pictures=(pictures / image['file_name'],))
        for sentence in field(ref, 'sentences', refs_path, number):
            name = f'{ref["ref_id"]}-{sentence["sent_id"]}'
            if masks:
                yield Sample('refcoco', name, media, 'mask', sentence['sent'], mask=from_coco(annotation['segmentation'], height, width))
            else:
                x, y, w, h = annotation['bbox']
                yield Sample('refcoco', name, media, 'region', sentence['sent'], boxes=(unit_box(x, y, w, h, width, height),))
