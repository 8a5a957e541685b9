import { useState } from 'react';
import { Eye } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '../ui/Button.js';
import { Fact } from '../ui/Facts.js';
import { isSecretVariable, splitVariable } from './secrets.js';

/** A variable of an environment. What sounds like a secret is covered until asked for. */
export function Variable({ variable }: { variable: string }) {
  const { t } = useTranslation();
  const [name, value] = splitVariable(variable);
  const [covered, setCovered] = useState(isSecretVariable(name, value));
  return (
    <Fact name={name} mono>
      {covered ? (
        <>
          <span className="t3">{t('summary.secret')}</span>
          <IconButton small iconSize={12} icon={Eye} label={t('summary.reveal')} onClick={() => setCovered(false)} />
        </>
      ) : (
        value
      )}
    </Fact>
  );
}
