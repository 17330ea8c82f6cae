"""Every reader on a small set in the official format, written here as its authors publish it, and what it says about broken files."""
import csv
import json
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

from trainer.data import readers
from trainer.data.readers import DataError, Sample
from trainer.data.readers.polygon import from_coco
from trainer.metrics.rle import decode, encode


def write(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def picture(path: Path, width: int = 40, height: int = 20) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((height, width, 3), 128, np.uint8))
    return path


def square(x0: int, y0: int, x1: int, y1: int, width: int = 40, height: int = 20) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    mask[y0:y1, x0:x1] = True
    return mask


def only(samples) -> Sample:
    found = list(samples)
    assert len(found) == 1
    return found[0]


class TestRefCoco:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        write(tmp_path / 'instances.json', {'images': [{'id': 7, 'width': 40, 'height': 20, 'file_name': 'COCO_train2014_000000000007.jpg'}], 'annotations': [
            {'id': 3, 'image_id': 7, 'category_id': 1, 'bbox': [10, 5, 20, 10], 'area': 200, 'iscrowd': 0, 'segmentation': [[10, 5, 30, 5, 30, 15, 10, 15]]}], 'categories': []})
        refs = [{'ref_id': 1, 'ann_id': 3, 'image_id': 7, 'category_id': 1, 'split': 'val', 'sent_ids': [0, 1], 'file_name': 'COCO_train2014_000000000007_3.jpg', 'sentences': [
            {'sent_id': 0, 'sent': 'left dog', 'raw': 'Left dog.', 'tokens': ['left', 'dog']}, {'sent_id': 1, 'sent': 'the brown one', 'raw': 'the brown one', 'tokens': []}]},
            {'ref_id': 2, 'ann_id': 3, 'image_id': 7, 'category_id': 1, 'split': 'train', 'sent_ids': [2], 'file_name': '', 'sentences': [{'sent_id': 2, 'sent': 'x', 'raw': 'x', 'tokens': []}]}]
        (tmp_path / 'refs(unc).p').write_bytes(pickle.dumps(refs))
        return tmp_path

    def test_boxes(self, folder: Path) -> None:
        samples = list(readers.read_refcoco(folder, Path('train2014')))
        assert [s.text for s in samples] == ['left dog', 'the brown one']
        assert samples[0].boxes == ((0.25, 0.25, 0.75, 0.75),) and samples[0].media.pictures == (Path('train2014/COCO_train2014_000000000007.jpg'),)

    def test_masks(self, folder: Path) -> None:
        sample = next(readers.read_refcoco(folder, Path('.'), masks=True))
        assert sample.mask and abs(int(decode(sample.mask).sum()) - 200) <= 31  # a polygon's border pixels depend on who draws it

    def test_a_pickle_that_runs_code_is_refused(self, folder: Path) -> None:
        (folder / 'refs(unc).p').write_bytes(pickle.dumps([Path('.')]))
        with pytest.raises(DataError, match=r'refs\(unc\)\.p:0: is no plain pickle'):
            next(readers.read_refcoco(folder, Path('.')))

    def test_a_reference_to_nothing_is_named(self, folder: Path) -> None:
        (folder / 'refs(unc).p').write_bytes(pickle.dumps([{'ref_id': 9, 'ann_id': 99, 'image_id': 7, 'split': 'val', 'sentences': []}]))
        with pytest.raises(DataError, match='refs.*:0: names annotation 99'):
            next(readers.read_refcoco(folder, Path('.')))


class TestPolygons:
    def test_the_three_forms_agree(self) -> None:
        mask = square(10, 5, 30, 15)
        flat = mask.T.reshape(-1)
        runs = np.diff(np.concatenate(([0], np.flatnonzero(np.diff(flat)) + 1, [flat.size]))).tolist()
        assert np.array_equal(decode(from_coco({'size': [20, 40], 'counts': runs}, 20, 40)), mask)
        assert np.array_equal(decode(from_coco(dict(encode(mask)), 20, 40)), mask)
        drawn = decode(from_coco([[10, 5, 30, 5, 30, 15, 10, 15]], 20, 40))
        assert (drawn & mask).sum() / (drawn | mask).sum() > 0.85
        with pytest.raises(ValueError, match='not int'):
            from_coco(3, 20, 40)


class TestVisualGenome:
    def test_regions(self, tmp_path: Path) -> None:
        write(tmp_path / 'image_data.json', [{'image_id': 1, 'width': 800, 'height': 600, 'url': 'x', 'coco_id': None, 'flickr_id': None}])
        write(tmp_path / 'region_descriptions.json', [{'id': 1, 'regions': [
            {'region_id': 1382, 'image_id': 1, 'phrase': 'the clock is green ', 'x': 400, 'y': 150, 'width': 200, 'height': 300},
            {'region_id': 1383, 'image_id': 1, 'phrase': 'nothing', 'x': 900, 'y': 0, 'width': 20, 'height': 20}]}])
        sample = only(readers.read_visual_genome(tmp_path))
        assert (sample.text, sample.boxes, sample.name) == ('the clock is green', ((0.5, 0.25, 0.75, 0.75),), '1382')
        write(tmp_path / 'image_data.json', [])
        with pytest.raises(DataError, match='region_descriptions.json:0: describes picture 1'):
            next(readers.read_visual_genome(tmp_path))


class TestMeViS:
    def test_several_objects_are_one_mask(self, tmp_path: Path) -> None:
        write(tmp_path / 'meta_expressions.json', {'videos': {'v1': {'frames': ['00000', '00001'], 'vid_id': 1, 'expressions': {
            '0': {'exp': 'The two birds flying away', 'obj_id': [0, 1], 'anno_id': [5, 6]}}}}})
        write(tmp_path / 'mask_dict.json', {'5': [dict(encode(square(0, 0, 5, 5))), None], '6': [dict(encode(square(10, 0, 15, 5))), None]})
        sample = only(readers.read_mevis(tmp_path))
        assert sample.text == 'The two birds flying away' and len(sample.track) == 2
        assert sample.track[0].mask and decode(sample.track[0].mask).sum() == 50 and sample.track[1].mask is None
        assert sample.media.pictures[1] == tmp_path / 'JPEGImages' / 'v1' / '00001.jpg'
        write(tmp_path / 'mask_dict.json', {'5': [None, None]})
        with pytest.raises(DataError, match='mask_dict.json:v1: has no mask 6'):
            next(readers.read_mevis(tmp_path))

    def test_without_public_masks(self, tmp_path: Path) -> None:
        write(tmp_path / 'meta_expressions.json', {'videos': {'v1': {'frames': ['00000'], 'expressions': {'0': {'exp': 'bird'}}}}})
        assert only(readers.read_mevis(tmp_path)).track == ()


class TestRefYoutubeVos:
    def test_palette_masks(self, tmp_path: Path) -> None:
        write(tmp_path / 'meta_expressions' / 'train' / 'meta_expressions.json', {'videos': {'003234408d': {'frames': ['00000', '00005'], 'expressions': {
            '0': {'exp': 'a penguin is on the left', 'obj_id': '2'}}}}})
        for name, values in (('00000', 2 * square(0, 0, 10, 10).astype(np.uint8) + square(20, 0, 30, 10)), ('00005', square(0, 0, 4, 4).astype(np.uint8))):
            path = tmp_path / 'train' / 'Annotations' / '003234408d' / f'{name}.png'
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), values)
        sample = only(readers.read_ref_youtube_vos(tmp_path))
        assert sample.track[0].mask and np.array_equal(decode(sample.track[0].mask), square(0, 0, 10, 10)) and sample.track[1].mask is None
        path.unlink()
        with pytest.raises(DataError, match='00005.png:0: is missing'):
            next(readers.read_ref_youtube_vos(tmp_path))


class TestSaV:
    def test_masklets(self, tmp_path: Path) -> None:
        masks = [[dict(encode(square(0, 0, 5, 5))), dict(encode(square(9, 9, 12, 12)))], [dict(encode(square(1, 0, 6, 5))), dict(encode(square(0, 0, 0, 0)))]]
        path = write(tmp_path / 'sav_000' / 'sav_000001_manual.json', {'video_id': 'sav_000001', 'video_duration': 2.5, 'video_frame_count': 60.0, 'video_height': 20.0,
                     'video_width': 40.0, 'masklet_id': [0, 1], 'masklet_num': 2, 'masklet': masks})
        first, second = readers.read_sa_v(tmp_path)
        assert first.media.video == path.with_name('sav_000001.mp4') and first.media.fps == 6 and first.duration == 2500
        assert [bool(s.mask) for s in second.track] == [True, False]
        write(path, {**json.loads(path.read_text()), 'masklet': [masks[0], masks[1][:1]]})
        with pytest.raises(DataError, match=r'masklet\[1\]: has 1 masks for 2 masklets'):
            next(readers.read_sa_v(tmp_path))


class TestLaSot:
    def test_a_sequence(self, tmp_path: Path) -> None:
        folder = tmp_path / 'airplane' / 'airplane-1'
        for n in (1, 2, 3):
            picture(folder / 'img' / f'{n:08d}.jpg')
        write(folder / 'groundtruth.txt', '11,6,20,10\n11,6,20,10\n0,0,0,0\n')
        write(folder / 'full_occlusion.txt', '0,1,0')
        write(folder / 'out_of_view.txt', '0,0,1')
        write(folder / 'nlp.txt', 'airplane flying in the air\n')
        sample = only(readers.read_lasot(tmp_path))
        assert [s.box for s in sample.track] == [(0.25, 0.25, 0.75, 0.75), None, None] and sample.text == 'airplane flying in the air'
        write(folder / 'groundtruth.txt', '11,6,20,10\nbroken\n')
        with pytest.raises(DataError, match="groundtruth.txt:2: is 'broken'; expected x,y,w,h"):
            next(readers.read_lasot(tmp_path))
        write(folder / 'groundtruth.txt', '11,6,20,10\n')
        with pytest.raises(DataError, match='has 1 boxes for 3 pictures'):
            next(readers.read_lasot(tmp_path))


class TestGot10k:
    def test_a_sequence(self, tmp_path: Path) -> None:
        folder = tmp_path / 'train' / 'GOT-10k_Train_000001'
        write(tmp_path / 'train' / 'list.txt', 'GOT-10k_Train_000001\n')
        for n in (1, 2):
            picture(folder / f'{n:08d}.jpg')
        write(folder / 'meta_info.ini', '[METAINFO]\nurl: x\nbegin: 00:00:27\nanno_fps: 10Hz\nobject_class: beetle\nmotion_class: walking\nresolution: (40, 20)\n')
        write(folder / 'groundtruth.txt', '11.0000,6.0000,20.0000,10.0000\n11.0000,6.0000,20.0000,10.0000\n')
        write(folder / 'absence.label', '0\n1\n')
        sample = only(readers.read_got10k(tmp_path))
        assert [s.box for s in sample.track] == [(0.25, 0.25, 0.75, 0.75), None] and sample.text == 'beetle'
        (folder / 'meta_info.ini').unlink()
        with pytest.raises(DataError, match='meta_info.ini:0: is missing'):
            next(readers.read_got10k(tmp_path))


class TestMoments:
    def test_charades_sta(self, tmp_path: Path) -> None:
        path = write(tmp_path / 'charades_sta_train.txt', 'AO8RW 0.0 6.9##a person is putting a book on a shelf.\n')
        sample = only(readers.read_charades_sta(path, Path('videos')))
        assert sample.spans == ((0.0, 6900.0),) and sample.media.video == Path('videos/AO8RW.mp4') and sample.text == 'a person is putting a book on a shelf.'
        for line, words in (('AO8RW 0.0 x##sentence', 'expected <video> <start> <end>'), ('AO8RW 7.0 6.0##sentence', 'expected start before end'), ('AO8RW 0 6', 'and words')):
            write(path, f'AO8RW 0.0 6.9##fine\n{line}\n')
            with pytest.raises(DataError, match=f'charades_sta_train.txt:2: .*{words}'):
                list(readers.read_charades_sta(path, Path('videos')))

    def test_qvhighlights(self, tmp_path: Path) -> None:
        entry = {'qid': 8737, 'query': 'A family is playing basketball together on a green court outside.', 'duration': 126, 'vid': 'bP5KfdFJzC4_660.0_810.0',
                 'relevant_windows': [[0, 16]], 'relevant_clip_ids': [0, 1], 'saliency_scores': [[4, 1, 1], [4, 1, 1]]}
        path = write(tmp_path / 'highlight_train_release.jsonl', json.dumps(entry) + '\n')
        sample = only(readers.read_qvhighlights(path, Path('v')))
        assert sample.spans == ((0.0, 16000.0),) and sample.saliency == ((0.0, (4, 1, 1)), (2000.0, (4, 1, 1))) and sample.duration == 126000
        write(path, json.dumps({**entry, 'relevant_windows': [[120, 130]]}))
        with pytest.raises(DataError, match='jsonl:1: has the windows'):
            next(readers.read_qvhighlights(path, Path('v')))
        write(path, json.dumps({'qid': 1, 'query': 'x', 'vid': 'y'}))
        with pytest.raises(DataError, match='jsonl:1: has no "duration"; it has qid, query, vid'):
            next(readers.read_qvhighlights(path, Path('v')))
        write(path, '{broken\n')
        with pytest.raises(DataError, match='jsonl:1: is no JSON'):
            next(readers.read_qvhighlights(path, Path('v')))

    def test_didemo(self, tmp_path: Path) -> None:
        path = write(tmp_path / 'train_data.json', [{'annotation_id': 9, 'description': 'camera first zooms in', 'video': '10015567@N08_3655084291_ade66923df.mov',
                     'times': [[5, 5], [0, 1], [0, 1], [0, 0]], 'num_segments': 6, 'reference_description': 'x', 'context': 'x', 'dl_link': 'x'}])
        assert only(readers.read_didemo(path, Path('v'))).spans == ((0.0, 10000.0),)

    def test_activitynet(self, tmp_path: Path) -> None:
        path = write(tmp_path / 'train.json', {'v_QOlSCBRmfWY': {'duration': 82.73, 'timestamps': [[0.83, 19.86], [60.81, 90.0]], 'sentences': ['A young woman is seen. ', ' The girl dances.']}})
        first, second = readers.read_activitynet(path, Path('v'))
        assert first.spans == ((830.0, 19860.0),) and second.spans == ((60810.0, 82730.0),) and second.text == 'The girl dances.'
        write(path, {'v_x': {'duration': 1, 'timestamps': [[0, 1]], 'sentences': []}})
        with pytest.raises(DataError, match='train.json:v_x: has 1 timestamps for 0 sentences'):
            next(readers.read_activitynet(path, Path('v')))

    def test_next_gqa(self, tmp_path: Path) -> None:
        row = {'video_id': '4882821564', 'frame_count': 367, 'width': 640, 'height': 480, 'question': 'why did the boy pick up one present', 'answer': 'share with the girl', 'qid': '6',
               'type': 'CW', 'a0': 'approach lady sitting there', 'a1': 'gesture something', 'a2': 'share with the girl', 'a3': 'unwrap it', 'a4': 'playing with toy train'}
        with open(tmp_path / 'val.csv', 'w', newline='') as file:
            out = csv.DictWriter(file, list(row))
            out.writeheader()
            out.writerows([row, {**row, 'qid': '7'}])
        write(tmp_path / 'gsub_val.json', {'4882821564': {'duration': 12, 'location': {'6': [[2.5, 7.8]]}, 'fps': 29.97}})
        sample = only(readers.read_next_gqa(tmp_path, Path('v')))
        assert sample.spans == ((2500.0, 7800.0),) and sample.answers == ('share with the girl',) and len(sample.choices) == 5
        write(tmp_path / 'val.csv', (tmp_path / 'val.csv').read_text().replace(',share with the girl,6', ',fly away,6'))
        with pytest.raises(DataError, match="val.csv:2: has the answer 'fly away'"):
            next(readers.read_next_gqa(tmp_path, Path('v')))


class TestWords:
    def test_mvbench(self, tmp_path: Path) -> None:
        entry = {'video': 'ZS9XR.mp4', 'question': 'What happened after the person took the food?', 'candidates': ['Ate the medicine.', 'Tidied up the blanket.'],
                 'answer': 'Ate the medicine.', 'start': 1.5, 'end': 12.0}
        path = write(tmp_path / 'action_sequence.json', [entry])
        sample = only(readers.read_mvbench(path, Path('v')))
        assert sample.media.part == (1500.0, 12000.0) and sample.answers == ('Ate the medicine.',) and sample.name == 'action_sequence-0'
        write(path, [{**entry, 'answer': 'nothing'}])
        with pytest.raises(DataError, match="action_sequence.json:0: has the answer 'nothing'"):
            next(readers.read_mvbench(path, Path('v')))
        picture(tmp_path / 'frames' / '1.jpg')
        write(path, [{**entry, 'video': 'frames'}])
        assert only(readers.read_mvbench(path, tmp_path)).media.pictures == (tmp_path / 'frames' / '1.jpg',)

    def test_videochat2_it(self, tmp_path: Path) -> None:
        path = write(tmp_path / 'train.json', [{'video': '001/a.mp4', 'QA': [{'i': 'Describe the video.', 'q': '', 'a': 'A man cooks.'}, {'q': 'Where?', 'a': 'In a kitchen.'}]}])
        sample = only(readers.read_conversations(path, Path('v')))
        assert sample.turns == (('Describe the video.', 'A man cooks.'), ('Where?', 'In a kitchen.')) and sample.media.video == Path('v/001/a.mp4')

    def test_llava(self, tmp_path: Path) -> None:
        entry = {'id': '33471', 'image': 'coco/train2017/000000033471.jpg', 'conversations': [
            {'from': 'human', 'value': '<image>\nWhat are the colors of the bus?'}, {'from': 'gpt', 'value': 'White and red.'}]}
        path = write(tmp_path / 'llava.json', [entry])
        sample = only(readers.read_conversations(path, Path('i')))
        assert sample.turns == (('What are the colors of the bus?', 'White and red.'),) and sample.media.pictures == (Path('i/coco/train2017/000000033471.jpg'),)
        write(path, [{**entry, 'conversations': entry['conversations'][1:]}])
        with pytest.raises(DataError, match=r"llava.json:0: has the speakers \['gpt'\]"):
            next(readers.read_conversations(path, Path('i')))
