import { useEffect, useState } from 'react';
import { Check, Copy as CopyIcon } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { copyText } from './desktop.js';
import { Button, IconButton } from './Button.js';

function useCopied(text: string): [copied: boolean, copy: () => void] {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [copied]);
  return [copied, () => void copyText(text).then(() => setCopied(true))];
}

/** Copies a text; the icon says when it has. */
export function CopyIconButton({ text, label }: { text: string; label: string }) {
  const { t } = useTranslation();
  const [copied, copy] = useCopied(text);
  return (
    <IconButton
      small
      iconSize={12}
      icon={copied ? Check : CopyIcon}
      label={copied ? t('common.copied') : label}
      onClick={copy}
    />
  );
}

export function CopyButton({ text, label }: { text: string; label: string }) {
  const { t } = useTranslation();
  const [copied, copy] = useCopied(text);
  return (
    <Button variant="ghost" icon={copied ? Check : CopyIcon} onClick={copy}>
      {copied ? t('common.copied') : label}
    </Button>
  );
}
