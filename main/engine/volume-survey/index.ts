export { VolumeSurvey, type VolumeSurveyOptions } from './survey.js';
