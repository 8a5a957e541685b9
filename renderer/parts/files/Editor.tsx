import { useEffect, useRef } from 'react';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search';
import { EditorState } from '@codemirror/state';
import { EditorView, drawSelection, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view';

/** A text editor. Loaded when the first text is looked at. */
export default function Editor({
  label,
  text,
  readOnly,
  focus,
  onChange,
  onSave,
}: {
  label: string;
  /** Another text is another document: what was typed is gone. */
  text: string;
  readOnly: boolean;
  focus: boolean;
  onChange(text: string): void;
  onSave(): void;
}) {
  const host = useRef<HTMLDivElement>(null);
  const tell = useRef({ onChange, onSave });
  useEffect(() => {
    tell.current = { onChange, onSave };
  });
  useEffect(() => {
    const parent = host.current;
    if (!parent) return;
    const view = new EditorView({
      parent,
      state: EditorState.create({
        doc: text,
        extensions: [
          lineNumbers(),
          history(),
          drawSelection(),
          highlightActiveLine(),
          highlightSelectionMatches(),
          EditorState.readOnly.of(readOnly),
          EditorView.contentAttributes.of({ 'aria-label': label, 'aria-readonly': String(readOnly), tabindex: '0' }),
          keymap.of([
            { key: 'Mod-s', preventDefault: true, run: () => (tell.current.onSave(), true) },
            ...defaultKeymap,
            ...historyKeymap,
            ...searchKeymap,
          ]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) tell.current.onChange(update.state.doc.toString());
          }),
        ],
      }),
    });
    if (focus) view.focus();
    return () => view.destroy();
    // The focus is for the first sight of a text.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [text, label, readOnly]);
  return <div className="files-editor" ref={host} />;
}
