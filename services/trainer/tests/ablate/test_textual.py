from pathlib import Path
import random

import numpy as np

from trainer.feature_cache import FeatureCache
from trainer.lesson import Teacher
from trainer.stages import mix
from trainer.textual import BINS, as_text, first_coordinate, is_coordinate, nothing_id, read_boxes, read_spans, textual_vocabulary, written_boxes, written_spans
from trainer.vocabulary import vocabulary


def test_the_extension_moves_no_word_of_nano():
    assert textual_vocabulary().tokens[:len(vocabulary().tokens)] == vocabulary().tokens
    assert len(textual_vocabulary().tokens) == first_coordinate() + BINS + 1
    assert textual_vocabulary().noun_of_token()[first_coordinate():] == [-1] * (BINS + 1)


def test_boxes_and_spans_come_back_within_half_a_bin():
    boxes = np.array([[0.5, 0.1, 0.93, 0.4], [0.0, 0.31, 0.2, 1.0]], np.float32)
    back = np.array(read_boxes(written_boxes(boxes)))
    assert np.abs(back - boxes[[1, 0]]).max() <= 0.5 / BINS + 1e-6  # from left to right
    assert read_boxes(written_boxes(np.zeros((0, 4), np.float32))) == []
    (start, end), = read_spans(written_spans([(3.0, 16.0)], 16), 16)
    assert abs(start - 3) <= 8 / BINS + 1e-6 and abs(end - 16) <= 8 / BINS + 1e-6


def test_a_question_keeps_its_words_and_says_the_true_boxes(cache_folder_small: Path):
    cache, words = FeatureCache(cache_folder_small), vocabulary()
    teacher, seen = Teacher(random.Random(5), mix(rename=0.0)), 0
    tasks = {words.id(f'<{task}_task>') for task in ('region', 'mask', 'moment')}
    for index in range(len(cache)):
        shard, row = cache[index]
        lesson = teacher.lesson(shard.clips[row])
        for question in lesson.questions:
            text = as_text(question, lesson)
            if text is None:
                continue
            plain = [token for token in text.ids if token < first_coordinate()]
            assert plain == [token for token in question.ids if token not in tasks] + ([words.id('<eos>')] if question.kind.startswith('forced') else [])
            assert len(text.ids) == len(text.weights) and text.queries == []
            for query in question.queries:
                if query.task == 'region' and len(query.looks[0].things) == 1 and len(question.queries) == 1:
                    box = lesson.clip.things[query.looks[0].things[0]].boxes[lesson.clip.kept[lesson.last]]
                    box = [1 - box[2], box[1], 1 - box[0], box[3]] if lesson.flip else box
                    written = [token for token in text.ids if is_coordinate(token)]
                    assert np.abs(np.array(read_boxes(written)[0]) - box).max() <= 0.5 / BINS + 1e-6
                    seen += 1
                elif query.task == 'region' and not query.looks[0].things:
                    assert nothing_id() in text.ids
    assert seen > 5
